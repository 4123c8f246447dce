-- The directory of those who call, replaced whole by an import, and the accounts of those
-- who answer. Both are read into memory: no call and no renewal waits for the database.

create table people (
    id        text primary key,
    name      text not null,
    role      text not null,
    title     text not null,
    school    text not null,
    numbers   text[] not null,
    protected boolean not null
);

create table accounts (
    name          text primary key,
    display_name  text not null,
    role          text not null,
    password_hash text not null,
    active        boolean not null default true,
    created       timestamptz not null
);

create table account_skills (
    account text not null references accounts (name) on delete cascade,
    skill   text not null,
    level   smallint not null check (level between 1 and 5),
    primary key (account, skill)
);
