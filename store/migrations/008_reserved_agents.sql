-- Agents of whom a class of contacts has the sole use: the priority line has people of its own.

alter table accounts add column reserved text not null default ''
    check (reserved in ('', 'resident-impact', 'priority'));
