"""OpenLineage: tells a lineage server what each conversion and batch read and wrote (https://openlineage.io/spec).

Only where the extra `lineage` is installed and `OPENLINEAGE_URL` is set."""
