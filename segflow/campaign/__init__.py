"""Campaigns: pure decisions about who gets what and when."""
