-- Desk phones: of each account's password for its telephone only what the digest needs is kept.

create table phones (
    account    text primary key references accounts (name) on delete cascade,
    ha1_md5    text not null check (ha1_md5 ~ '^[0-9a-f]{32}$'),
    ha1_sha256 text not null check (ha1_sha256 ~ '^[0-9a-f]{64}$'),
    created    timestamptz not null
);
