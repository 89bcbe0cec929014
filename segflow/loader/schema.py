"""JSON Schemas (2020-12) for editors and other tools, made from the grammar that the readers use.

`python -m segflow.loader.schema FOLDER` writes them; a test asks that schemas/ is up to date.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from segflow.loader.heads import choice_by_key
from segflow.loader.kinds import SHAPES
from segflow.loader.shapes import Json, defined
from segflow.model.address import KINDS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
WHOLE = "segflow.json"
"""The file with the schema of a document of any kind, to which those of one kind refer."""


def document_schema() -> Json:
    """The schema of a document of any kind, told apart by its key; it stands alone."""
    defs: Json = {}
    shapes = {
        kind: defined(kind, SHAPES[kind].schema(defs), defs) for kind in KINDS if kind in SHAPES
    }
    choice = choice_by_key(shapes)
    return {"$schema": DRAFT, "title": "A segflow document", **choice, "$defs": _sorted(defs)}


def kind_schema(kind: str) -> Json:
    """The schema of one kind; it stands alone. Raises KeyError for a kind that is not read."""
    defs: Json = {}
    schema = SHAPES[kind].schema(defs)
    return {"$schema": DRAFT, "title": f"A segflow {kind}", **schema, "$defs": _sorted(defs)}


def _sorted(defs: Json) -> Json:
    return dict(sorted(defs.items()))


def schema_files() -> Mapping[str, str]:
    """The text of every schema file by its name: the whole, and a short one for every kind."""
    files = {WHOLE: file_text(document_schema())}
    for kind in SHAPES:
        reference = {"$ref": f"{WHOLE}#/$defs/{kind}"}
        files[f"{kind}.json"] = file_text({"$schema": DRAFT, "title": f"A {kind}", **reference})
    return files


def file_text(schema: Json) -> str:
    """A schema as a file holds it: one line for every definition, so that changes can be read."""
    lines = []
    for key, value in schema.items():
        if key == "$defs":
            inner = [f"  {json.dumps(name)}: {_line(held)}" for name, held in value.items()]
            lines.append('"$defs": {\n' + ",\n".join(inner) + "\n }")
        else:
            lines.append(f"{json.dumps(key)}: {_line(value)}")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def write_schemas(folder: Path) -> None:
    """Write every schema file into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
