-- What the projection keeps of texts, of the priority line and of what contacts were about.

alter table contacts
    add party       text not null default '',
    add service     text not null default '',
    add ticket      text not null default '',
    -- The group that it was queued for first.
    add skill_group text not null default '',
    -- The first answer to a text, which is its answer too.
    add replied     timestamptz,
    -- A text that was finished without one: answered is its end.
    add unreplied   boolean not null default false,
    -- When the user was reached after a fault that came before any answer: answered stays
    -- empty.
    add called_back timestamptz;

create index contacts_closed on contacts (line, closed) where closed is not null;

-- Contacts whose personal data is gone by rule. The projection can be made anew, this cannot.
create table forgotten_contacts (
    contact text primary key,
    at      timestamptz not null
);
