"""Who is in a segment and how that changed: bitmaps of ordinals and the arithmetic of the log."""
