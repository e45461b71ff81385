"""The view sample_wide: a column per feature, for people and exports."""

from __future__ import annotations

from i2db.store.database import Database, quote_identifier

#: What the view tells of a pixel before its features.
FIXED_COLUMNS = (
    "sample_id",
    "polygon_id",
    "class_code",
    "class_name",
    "region",
    "tile",
    "n_valid",
    "longest_gap",
    "edge_distance",
    "x",
    "y",
)


def wide_view_text(features: list[tuple[str, int, str]]) -> str:
    """The statement that makes the view.

    Args:
        features: (feature_group, rank in the group's array, feature_name) in the order of the columns.
    """
    groups = list(dict.fromkeys(group for group, _, _ in features))
    alias = {group: quote_identifier(f"sample_{group}") for group in groups}
    columns = [f"{alias[group]}.features[{rank}] AS {quote_identifier(name)}" for group, rank, name in features]
    joins = [
        f"JOIN sample AS {alias[group]} ON {alias[group]}.sample_id = candidate.sample_id "
        f"AND {alias[group]}.feature_group = {_text(group)}"
        for group in groups
    ]
    fixed = (
        "candidate.sample_id, candidate.polygon_id, polygon.class_code, class.class_name, candidate.region, "
        "candidate.tile, candidate.n_valid, candidate.longest_gap, candidate.edge_distance, "
        "coalesce(grid.origin_x + (candidate.grid_column + 0.5) * grid.resolution_x, "
        "ST_X(CASE WHEN candidate.grid_column IS NULL THEN polygon.geom END)) AS x, "
        "coalesce(grid.origin_y - (candidate.grid_row + 0.5) * grid.resolution_y, "
        "ST_Y(CASE WHEN candidate.grid_row IS NULL THEN polygon.geom END)) AS y"
    )
    return (
        f"CREATE OR REPLACE VIEW sample_wide AS SELECT {', '.join([fixed, *columns])} FROM candidate "
        "JOIN polygon USING (polygon_id) JOIN class ON class.class_code = polygon.class_code CROSS JOIN grid "
        + " ".join(joins)
    )


def _text(content: str) -> str:
    return "'" + content.replace("'", "''") + "'"


def create_wide_view(database: Database) -> None:
    """Make the view from table `feature` as it is now."""
    rows = database.rows("extract/features")
    if not rows:
        return
    features = [(row["feature_group"], row["feature_rank"], row["feature_name"]) for row in rows]
    comment = "Extracted pixels with a column per feature; x and y are the pixel's centre."
    database.define("sample_wide", wide_view_text(features), comment)
