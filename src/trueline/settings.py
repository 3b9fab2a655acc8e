"""Every setting of the server: one list, each with its default and its help.

A setting is read from the environment with the prefix ``TRUELINE_`` (``TRUELINE_PORT=9000``).
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the stores are, what the server listens on, and its limits."""

    model_config = SettingsConfigDict(env_prefix="TRUELINE_", extra="forbid", frozen=True)

    data: Path = Field(default=Path("data"), description="Folder of the embedded stores and the secret of the keys.")
    ledger_dsn: str = Field(
        default="",
        description="ClickHouse to keep events, votes and trainings in, "
        "such as `clickhouse://user:password@host:8123`; "
        "empty: the embedded engine, in the data folder. One Trueline process at a time on one ledger.",
    )
    ledger_database: str = Field(
        default="trueline", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of the ledger's database."
    )
    catalog_dsn: str = Field(
        default="",
        description="Database of jobs, models and keys, such as `postgresql://user:password@host/name`; "
        "empty: SQLite, in the data folder.",
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Secret that keys are hashed with; empty: the one kept in the data folder, made at first start.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=9666, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    query_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Seconds a query may take before the engine stops it and 503 is answered.",
    )
    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024, description="Largest accepted body; beyond it, 413.")
    max_waiting_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=64 * 1024,
        description="Bytes of requests that are under way at once, read or waiting to be written, each counted as "
        "32 KiB at least and half of it for one job; beyond it, 429. Never less than two of the largest bodies.",
    )
    request_seconds: float = Field(
        default=60.0, gt=0, description="Seconds a request may take to arrive, its head and then its body; beyond, 408."
    )
    idle_seconds: int = Field(
        default=75, ge=1, description="Seconds after which a connection on which nothing is asked is closed."
    )
    max_bulk_lines: int = Field(default=10_000, ge=1, description="Most lines of one bulk request; beyond it, 413.")
    bulk_readers: int = Field(
        default=2,
        ge=0,
        le=64,
        description="Processes that read large bulk requests beside the server, as many as there are cores; "
        "0: the server reads them.",
    )
    stop_notice_seconds: float = Field(
        default=0.0,
        ge=0,
        description="Seconds after SIGTERM or Ctrl-C in which new requests are still taken while `/readyz` answers "
        "503, so that a load balancer goes elsewhere first.",
    )
    stop_seconds: float = Field(
        default=30.0,
        ge=0,
        description="Seconds that requests under way get to be answered once no new ones are taken; a second signal "
        "ends at once.",
    )
    max_filters: int = Field(default=64, ge=1, description="Most filters of one request; beyond it, 422.")
    max_list_members: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="Most members of a list in a filter, and most ids of events in a query; beyond it, 422.",
    )
    max_filter_text_bytes: int = Field(
        default=64 * 1024, ge=256, description="Longest field or text in a filter, as UTF-8; beyond it, 422."
    )
    max_json_depth: int = Field(
        default=64,
        ge=16,
        le=256,
        description="Objects and lists inside each other, in a body and, counted from its own, in a document; "
        "beyond it, 422, or the line is rejected.",
    )
    max_job_paths: int = Field(
        default=2_048,
        ge=16,
        le=10_000,
        description="Distinct paths of a job's documents that are searched fast; what stands at further ones is stored "
        "and found as surely, more slowly, and the job says so.",
    )
    engine_cache_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=0,
        description="Memory for columns that the embedded engine keeps decompressed, so that filters read them in half "
        "the time; 0: none.",
    )
    filter_memory_bytes: int = Field(
        default=512 * 1024 * 1024,
        ge=0,
        description="Memory for the fields that filters ask about, in a few bytes an event, of jobs of 100,000 events "
        "and more, so that a filter on any of them takes tens of milliseconds at ten million; a field not asked for in "
        "ten minutes gives way to others; 0: none.",
    )
    key_memory_bytes: int = Field(
        default=128 * 1024 * 1024,
        ge=0,
        description="Memory for the keys of events, four to five bytes each and eight million a job, of jobs of "
        "500,000 events and more: so a bulk request of new events into the embedded ledger costs no more the more its "
        "job has; 0: none.",
    )
    engine_memory_bytes: int = Field(
        default=1024 * 1024 * 1024,
        ge=256 * 1024 * 1024,
        description="Memory one query may take in the engine.",
    )
    keep_free_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=0,
        description="Room kept free on the disk of the embedded ledger: with less, writes are answered 507.",
    )
