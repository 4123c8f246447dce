-- Calls that agents marked as a nuisance, by a keyed hash of the number: for how long is in the configuration.
create table nuisance_marks (
    contact text primary key,
    caller  bytea not null,
    at      timestamptz not null
);
create index nuisance_marks_at on nuisance_marks (at);
