-- Tickets, the mails that they are made of, and what is still to be brought to the queue.
-- Of these tables PostgreSQL is the truth. A row of tickets is the fold of its entries;
-- entries, their bodies and their files are only added to.

create sequence ticket_numbers start 100001;

create table tickets (
    id               bigint primary key default nextval('ticket_numbers'),
    number           text not null unique generated always as ('SD-' || id::text) stored,
    kind             text not null check (kind in ('incident', 'question', 'order')),
    status           text not null check (status in ('registered', 'in-progress', 'solved', 'closed')),
    subject          text not null check (subject <> ''),
    service          text not null,
    category         text not null,
    channel          text not null,
    line             text not null,
    audience         text not null,
    language         text not null,
    person           text not null,
    reporter_person  text not null,
    reporter_name    text not null,
    reporter_address text not null,
    follows          bigint references tickets (id),
    created          timestamptz not null,
    changed          timestamptz not null,
    solved           timestamptz,
    closed           timestamptz
);
alter sequence ticket_numbers owned by tickets.id;
create index tickets_by_change on tickets (changed desc, id desc);
create index tickets_of_person on tickets (person) where person <> '';
create index tickets_of_reporter on tickets (reporter_person) where reporter_person <> '';
create index tickets_of_address on tickets (lower(reporter_address)) where reporter_address <> '';

create table ticket_entries (
    id      bigint primary key generated always as identity,
    ticket  bigint not null references tickets (id),
    at      timestamptz not null,
    kind    text not null check (kind in ('from-user', 'answer', 'note', 'status', 'link')),
    agent   text not null,
    text    text not null,
    status  text not null,
    contact text not null,
    html    boolean not null
);
create index entries_of_ticket on ticket_entries (ticket, id);

-- The HTML body of an entry, sanitised before it came here.
create table entry_html (
    entry bigint primary key references ticket_entries (id),
    html  text not null
);

create table attachments (
    id    bigint primary key generated always as identity,
    entry bigint not null references ticket_entries (id),
    name  text not null,
    type  text not null,
    size  bigint not null,
    data  bytea not null
);
create index attachments_of_entry on attachments (entry);

-- Which contacts belong to a ticket.
create table ticket_contacts (
    ticket  bigint not null references tickets (id),
    contact text not null,
    at      timestamptz not null,
    primary key (ticket, contact)
);
create index tickets_of_contact on ticket_contacts (contact);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the rows of % are only added to', tg_table_name using errcode = 'integrity_constraint_violation';
end
$$;

create trigger only_added before update or delete on ticket_entries for each row execute function refuse_change();
create trigger only_added before update or delete on entry_html for each row execute function refuse_change();
create trigger only_added before update or delete on attachments for each row execute function refuse_change();
create trigger never_emptied before truncate on ticket_entries for each statement execute function refuse_change();
create trigger never_emptied before truncate on entry_html for each statement execute function refuse_change();
create trigger never_emptied before truncate on attachments for each statement execute function refuse_change();

-- A mail or a form that the queue is to have: what the job brings there. The name, address
-- and subject are emptied when the contact is forgotten.
create table text_contacts (
    contact text primary key check (contact <> ''),
    ticket  bigint not null references tickets (id),
    entry   bigint not null references ticket_entries (id),
    arrival jsonb not null,
    enqueue jsonb not null,
    name    text not null,
    address text not null,
    subject text not null,
    at      timestamptz not null
);
create index text_contacts_of_ticket on text_contacts (ticket);

-- How far each mailbox has been read. It moves in the transaction that takes the mail.
create table mail_cursors (
    line        text primary key,
    uidvalidity bigint not null,
    uid         bigint not null
);

-- Every mail that was taken, and where to.
create table mails (
    line        text not null,
    uidvalidity bigint not null,
    uid         bigint not null,
    message_id  text not null,
    refs        text[] not null,
    ticket      bigint not null references tickets (id),
    entry       bigint not null references ticket_entries (id),
    received    timestamptz not null,
    primary key (line, uidvalidity, uid)
);
-- An empty Message-ID is that of nobody and merges nothing.
create unique index mails_by_message on mails (line, message_id) where message_id <> '';
create index mails_of_ticket on mails (ticket);

-- Mails that could not be taken. They stop nobody; people look at them.
create table mail_quarantine (
    id          bigint primary key generated always as identity,
    line        text not null,
    uidvalidity bigint not null,
    uid         bigint not null,
    reason      text not null,
    raw         bytea not null,
    at          timestamptz not null,
    unique (line, uidvalidity, uid)
);

-- Every mail that we send: an answer, which is an entry, or a receipt, which is none.
create table outgoing_mails (
    id         bigint primary key generated always as identity,
    ticket     bigint not null references tickets (id),
    entry      bigint unique references ticket_entries (id),
    reply_to   bigint references ticket_entries (id),
    address    text not null check (address <> ''),
    key        text not null unique,
    created    timestamptz not null,
    sent       timestamptz,
    failed_at  timestamptz,
    failed     text not null default ''
);
create index outgoing_mails_of_ticket on outgoing_mails (ticket);
create index receipts_by_address on outgoing_mails (lower(address), created) where entry is null;
