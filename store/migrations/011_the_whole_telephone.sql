-- Calls that the desk begins, places outside, who else was in a call, what was said of it, and recordings.

alter table contacts
    -- The desk began it: it counts as no arrival. failure is why nobody was reached.
    add outgoing  boolean not null default false,
    add failure   text not null default '',
    -- How far its recording is; empty when there is none.
    add recording text not null default '';

-- One row per call to a place outside about a contact.
create table outside_calls (
    contact     text not null,
    offer       numeric(20) not null, -- an unsigned number of 64 bits
    agent       text not null,
    destination text not null,
    -- The user was to be handed over as soon as it answered.
    blind       boolean not null,
    called      timestamptz not null,
    answered    timestamptz,
    -- When the call was over, or had the user; failure is why it was not reached.
    ended       timestamptz,
    failure     text not null default '',
    took_over   boolean not null default false,
    primary key (contact, offer)
);

-- One row per supervisor in a call in one mode.
create table supervisions (
    contact    text not null,
    supervisor text not null,
    mode       text not null,
    begun      timestamptz not null,
    ended      timestamptz,
    -- The place of its event in the journal.
    sequence   bigint not null,
    index      integer not null,
    primary key (sequence, index)
);
create index supervisions_of_contact on supervisions (contact);

create table contact_marks (
    contact text not null,
    mark    text not null,
    agent   text not null,
    at      timestamptz not null,
    primary key (contact, mark)
);
create index contact_marks_by_time on contact_marks (mark, at);

-- One row per file of a recording, by its name below the directory of recordings.
create table recordings (
    contact      text not null,
    file         text not null,
    sha256       text not null,
    bytes        bigint not null,
    length_ms    bigint not null,
    ended        timestamptz not null,
    -- Until when it may be kept; null when nobody said so.
    delete_after timestamptz,
    primary key (contact, file)
);
create index recordings_due on recordings (delete_after);

-- Files that were deleted by rule. The projection can be made anew, this cannot.
create table deleted_recordings (
    contact text not null,
    file    text not null,
    at      timestamptz not null,
    primary key (contact, file)
);
