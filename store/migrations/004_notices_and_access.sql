-- Outage messages, the City's instructions to be silent, and who has read about whom.

create table notices (
    id           text primary key check (id <> ''),
    service      text not null,
    lines        text[] not null,
    audiences    text[] not null,
    text         jsonb not null,
    starts       timestamptz not null,
    ends         timestamptz,
    published    timestamptz not null,
    by           text not null,
    withdrawn    timestamptz,
    withdrawn_by text not null default ''
);
create index notices_standing on notices (published, id) where withdrawn is null;

create table embargoes (
    id        text primary key check (id <> ''),
    service   text not null,
    contact   text not null check (contact <> ''),
    scope     text not null check (scope <> ''),
    relief    text not null,
    starts    timestamptz not null,
    by        text not null,
    lifted    timestamptz,
    lifted_by text not null default ''
);
create index embargoes_in_force on embargoes (starts, id) where lifted is null;

-- Every reading of a person's data. It is only added to.
create table access_log (
    id      bigint primary key generated always as identity,
    at      timestamptz not null,
    account text not null,
    surface text not null,
    person  text not null,
    contact text not null,
    ticket  text not null
);
create index access_by_time on access_log (at desc, id desc);
create trigger only_added before update or delete on access_log for each row execute function refuse_change();
create trigger never_emptied before truncate on access_log for each statement execute function refuse_change();

-- Who may open protected people.
alter table accounts add sees_protected boolean not null default false;
