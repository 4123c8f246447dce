-- The directory of those who call, replaced whole by an import, and the accounts of those
-- who answer. Both are read into memory: no call and no renewal waits for the database.

create table people (
    id        text primary key check (id <> ''),
    name      text not null,
    role      text not null check (role in ('staff', 'pupil', 'guardian', 'supplier', 'other')),
    title     text not null,
    school    text not null,
    numbers   text[] not null,
    protected boolean not null
);

create table accounts (
    name          text primary key check (name ~ '^[a-z][a-z0-9._-]{1,31}$'),
    display_name  text not null check (display_name <> ''),
    role          text not null check (role in ('agent', 'supervisor', 'administrator')),
    -- Never a password itself. Empty: no password opens it.
    password_hash text not null check (password_hash = '' or password_hash like '$argon2id$%'),
    active        boolean not null default true,
    created       timestamptz not null
);

create table account_skills (
    account text not null references accounts (name) on delete cascade,
    skill   text not null check (skill <> ''),
    level   smallint not null check (level between 1 and 5),
    primary key (account, skill)
);
