"""The JSON schemas in the book: `python -m tests.schemas` writes them again."""

import json
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema

from gtzan_lib import documents

FOLDER = Path(__file__).parents[1] / "book" / "_static" / "schemas"

DOCUMENTS: dict[str, type[documents.Document]] = {
    "record": documents.RecordDocument,
    "model": documents.CardDocument,
    "report": documents.ReportDocument,
    "manifest": documents.ManifestDocument,
    "take": documents.TakeDocument,
    "step": documents.StepDocument,
}
"""All documents by the name of their schema's file."""


class _WithoutTitles(GenerateJsonSchema):
    """Names of fields are not repeated as titles."""

    def field_title_should_be_set(self, schema) -> bool:
        return False


def schema_of(kind: type[documents.Document]) -> str:
    """Return the schema of a document as the text of its file."""
    schema = kind.model_json_schema(schema_generator=_WithoutTitles)
    schema = {"$schema": GenerateJsonSchema.schema_dialect, **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, kind in DOCUMENTS.items():
        (FOLDER / f"{name}.json").write_text(schema_of(kind), encoding="utf-8")
