"""The compiler's main path; read this first. In goes a project, out come typed definitions."""

from collections.abc import Callable, Iterable

from segflow.compiler.passes.contacts import contacts
from segflow.compiler.passes.cycles import cycles
from segflow.compiler.passes.definition import definition
from segflow.compiler.passes.depends import depends, named_in
from segflow.compiler.passes.draft import Draft, audience_of, draft_of, rule_entity
from segflow.compiler.passes.normalize import normalize
from segflow.compiler.passes.offers import offers
from segflow.compiler.passes.queries import queries
from segflow.compiler.passes.resolve import resolve
from segflow.compiler.passes.routes import routes
from segflow.compiler.passes.storage import storage
from segflow.compiler.passes.supported import supported
from segflow.compiler.passes.supported_rules import supported_rules
from segflow.compiler.passes.templates import templates
from segflow.compiler.passes.trials import trials
from segflow.compiler.passes.typecheck import typecheck
from segflow.compiler.passes.walk import predicate_sites, segment_sites
from segflow.compiler.templates import names_used
from segflow.diagnostics import Report
from segflow.model.address import Address
from segflow.model.codec import canonical, digest
from segflow.model.compiled import Compiled, CompiledRule, CompiledSegment
from segflow.model.predicate import InFile
from segflow.model.project import Project
from segflow.model.segment import Segment

Pass = Callable[[Draft], Draft]

# Names first, since all else looks them up and skips what is unknown. Cycles before types, so that
# whoever follows a chain later can trust that it ends. What can't be compiled is named before types
# are judged, so that the typing pass may pass over it in silence. Tests of segments come last: they
# name leaves, which are typed by then. All of them always run: a person wants every error at once.
CHECKS: tuple[Pass, ...] = (
    resolve,
    cycles,
    supported,
    routes,
    supported_rules,
    storage,
    offers,
    templates,
    queries,
    typecheck,
    contacts,
    trials,
)

# Only a project without errors comes this far. Definitions hash the normal shape, so that two ways
# to write the same thing are one definition.
BUILDS: tuple[Pass, ...] = (normalize, depends, definition)

PASSES: tuple[Pass, ...] = (*CHECKS, *BUILDS)


def compile_project(project: Project) -> tuple[Compiled | None, Report]:
    """Check and compile a whole project.

    Compiled is None where the report has errors, and where objects of the project are broken: these
    are judged, too, as far as they could be read.
    """
    draft = draft_of(project)
    for check in CHECKS:
        draft = check(draft)
    if draft.report.has_errors or project.broken:
        return None, _told(draft)
    for build in BUILDS:
        draft = build(draft)
    return _compiled(draft), _told(draft)


def _told(draft: Draft) -> Report:
    """What was found, as it is told of objects that a blueprint made."""
    report = Report()
    report.extend(draft.project.sources.told(draft.report))
    return report


def _compiled(draft: Draft) -> Compiled:
    project = draft.project
    return Compiled(
        project=project,
        segments={name: _segment(draft, name) for name in draft.order},
        fingerprints={address: digest(canonical(one)) for address, one in project.objects.items()},
        depends=draft.depends,
        entities=draft.entities,
        rules={name: _rule(draft, name) for name in sorted(draft.index.rules)},
        trials=draft.trials,
    )


def _rule(draft: Draft, name: str) -> CompiledRule:
    rule = draft.index.rules[name]
    entity = rule_entity(draft.index, rule)
    written = Segment(name=name, entity=entity, where=audience_of(rule, rule.where))
    sites = tuple(segment_sites(written, draft.index.related))
    nodes = [site.node for site in sites]
    audience = CompiledSegment(
        segment=written,
        where=draft.audiences[name],
        definition=draft.audience_definitions[name],
        depends=tuple(sorted({Address("entity", entity), *named_in(sites, draft.project)})),
        lists=_lists_in(nodes),
    )
    paths = {action.template_path or "" for action in rule.actions()}
    files = sorted(paths & draft.project.files.keys())
    uses = [use for path in files for use in names_used(draft.project.files[path].text)]
    return CompiledRule(
        rule=rule,
        audience=audience,
        templates=tuple(files),
        user_fields=tuple(sorted({use.name for use in uses if use.scope == "user"})),
    )


def _segment(draft: Draft, name: str) -> CompiledSegment:
    segment = draft.index.segments[name]
    nodes = [site.node for site in draft.sites[segment.address]]
    population = draft.entities[segment.entity].population.where
    if population is not None:
        related = draft.index.related
        sites = predicate_sites(population, (), segment.entity, (), related)
        nodes += [site.node for site in sites]
    return CompiledSegment(
        segment=segment,
        where=draft.wheres[name],
        definition=draft.definitions[name],
        depends=draft.depends[segment.address],
        lists=_lists_in(nodes),
    )


def _lists_in(nodes: Iterable[object]) -> tuple[str, ...]:
    return tuple(sorted({node.path for node in nodes if isinstance(node, InFile)}))
