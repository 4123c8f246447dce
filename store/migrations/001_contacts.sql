-- The projection of the journal. Only the projector writes these tables; they can be
-- made anew from the journal at any time. They hold ids, never names or numbers. No check
-- narrows a value: what is in the journal has happened, and a table that refuses it would
-- only stop the projection.

-- How far the journal has been projected. One row; it changes in the transaction that
-- writes what it speaks of.
create table projection (
    only_row boolean primary key default true check (only_row),
    sequence bigint not null
);
insert into projection (sequence) values (0);

-- One row per contact, as its events leave it.
create table contacts (
    id        text primary key,
    channel   text not null,
    line      text not null,
    audience  text not null,
    person    text not null,
    language  text not null,
    node      text not null,
    callable  boolean not null,
    state     text not null,
    callback  boolean not null default false,
    class     smallint not null default 0,
    target_ms bigint not null default 0,
    agent     text not null default '',
    -- Set when closed: how it was accounted for, and the stage when it was given up.
    ended_as  text not null default '',
    stage     text not null default '',
    outcome   text not null default '',
    response  smallint not null default 0,
    waited_ms bigint not null default 0,
    arrived   timestamptz not null,
    greeted   timestamptz,
    queued    timestamptz,
    answered  timestamptz,
    ended     timestamptz,
    closed    timestamptz
);
create index contacts_by_arrival on contacts (arrived, id);
create index contacts_open on contacts (arrived) where closed is null;

-- Every recorded event, in order.
create table events (
    sequence bigint not null,
    index    integer not null,
    at       timestamptz not null,
    event    text not null,
    contact  text,
    agent    text,
    data     jsonb not null,
    primary key (sequence, index)
);
create index events_of_contact on events (contact, sequence, index) where contact is not null;
