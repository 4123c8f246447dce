-- Who sent contacts on, and what became of call-backs.

alter table contacts
    -- How often an agent sent it on, a colleague asked first or not.
    add transfers       int not null default 0,
    -- It was to be called back at some time; how often it was dialled, and whether that reached the user.
    add to_call_back    boolean not null default false,
    add tries           int not null default 0,
    add reached_by_call boolean not null default false,
    -- Its user rang again, and took the place of the call-back.
    add rejoined        boolean not null default false;

-- What was recorded before: call-backs after a fault, and nobody who was sent on.
update contacts set to_call_back = true
where id in (select contact from events where event = 'contact-dropped');

update contacts set tries = dialled.times, reached_by_call = dialled.reached
from (
    select taken.contact, count(*) as times, bool_or(connected.contact is not null) as reached
    from events taken
    left join events connected on connected.contact = taken.contact and connected.event = 'contact-connected'
        and connected.data -> 'offer' = taken.data -> 'offer'
    where taken.event = 'callback-taken'
    group by taken.contact
) dialled
where id = dialled.contact;
