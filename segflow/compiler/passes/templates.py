"""Templates: they can be filled in, and name what is known of the users that get them."""

from segflow.compiler.codes import PERSONAL, TEMPLATE, UNKNOWN
from segflow.compiler.passes.draft import Draft, lacks, rule_entity
from segflow.compiler.passes.names import field_hint
from segflow.compiler.templates import Use, check_template, names_used
from segflow.diagnostics import Diagnostic, Severity, Span
from segflow.model.project import ProjectFile
from segflow.model.rule import Action, Rule


def templates(draft: Draft) -> Draft:
    """Report what is wrong with the templates of rules, at their own lines. Templates that could
    not be read were told of by the loader."""
    for rule in draft.index.rules.values():
        for _, actions in rule.sends():
            offered = False
            for action in actions:
                offered = offered or _gives_coupons(draft, action)
                file = draft.project.files.get(action.template_path or "")
                if file is not None:
                    _template(draft, rule, file, offered=offered)
    return draft


def _gives_coupons(draft: Draft, action: Action) -> bool:
    """True for what may give a coupon: of a channel that is not known it is not known."""
    channel = draft.project.channel(action.channel)
    return action.offer is not None or channel is None or channel.kind in ("", "coupon")


def _template(draft: Draft, rule: Rule, file: ProjectFile, *, offered: bool) -> None:
    for finding in check_template(file.text):
        _tell(draft, file, finding.line, TEMPLATE, finding.message, finding.help)
    for use in names_used(file.text):
        if use.scope == "user":
            _user(draft, file, use, rule_entity(draft.index, rule))
        elif use.scope == "offer" and not offered:
            summary = f"rule {rule.name!r} gives no coupon before this message"
            help = "put an action of a coupon channel before the one with this template"
            _tell(draft, file, use.line, TEMPLATE, summary, help)


def _user(draft: Draft, file: ProjectFile, use: Use, entity: str) -> None:
    fields = draft.index.fields.get(entity)
    if fields is None:
        return
    if lacks(fields, use.name):
        summary = f"entity {entity!r} has no field {use.name!r}"
        help = field_hint(draft, entity, use.name)
        _tell(draft, file, use.line, UNKNOWN, summary, help)
    elif use.name in fields and draft.index.is_personal(entity, use.name):
        summary = f"field {use.name!r} is personal, and goes out with this message"
        _tell(draft, file, use.line, PERSONAL, summary, None, severity="warning")


def _tell(
    draft: Draft,
    file: ProjectFile,
    line: int,
    code: str,
    summary: str,
    help: str | None,
    *,
    severity: Severity = "error",
) -> None:
    # Without an address, so that a template of several rules is told of once.
    lines = file.text.splitlines()
    text = lines[line - 1] if line <= len(lines) else ""
    span = Span(
        path=file.path,
        line=line,
        column=1,
        end_line=line,
        end_column=max(2, len(text) + 1),
        text=text,
    )
    draft.report.add(
        Diagnostic(code=code, summary=summary, help=help, span=span, severity=severity)
    )
