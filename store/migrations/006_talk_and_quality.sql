-- Who had a contact for how long, on hold and in wrap-up too, and how its voices came in.

alter table contacts
    -- Wrap-up ran out before its agent finished it.
    add lapsed          boolean not null default false,
    -- The worst that was reported: shares of lost packets in millionths, times in microseconds.
    -- Null when nothing was.
    add loss_ppm        bigint,
    add remote_loss_ppm bigint,
    add jitter_us       bigint,
    add round_trip_us   bigint;

-- One row per connection of an agent with a contact: see report.Segment.
create table contact_segments (
    contact    text not null,
    offer      numeric(20) not null, -- an unsigned number of 64 bits
    agent      text not null,
    connected  timestamptz not null,
    held_since timestamptz,
    held_ms    bigint not null default 0,
    ended      timestamptz,
    finished   timestamptz,
    parted     text not null default '',
    lapsed     boolean not null default false,
    talk_ms    bigint not null generated always as (
        case when ended is null then 0
            else greatest(round(extract(epoch from ended - connected) * 1000)::bigint - held_ms, 0) end) stored,
    wrap_up_ms bigint not null generated always as (
        case when finished is null then 0
            else greatest(round(extract(epoch from finished - ended) * 1000)::bigint, 0) end) stored,
    primary key (contact, offer)
);
create index contact_segments_of_agent on contact_segments (agent, connected desc, offer desc);

-- What was recorded before: nobody was held, and no wrap-up ran out.
insert into contact_segments (contact, offer, agent, connected, ended, finished, parted)
select c.contact, (c.data ->> 'offer')::numeric, c.agent, c.at, over.at, done.at,
    case
        when over.event = 'contact-returned' then 'returned'
        when over.event = 'contact-dropped' then 'dropped'
        when done.data ->> 'end' = 'handled' then 'finished'
        when done.data is not null then 'dropped'
        else ''
    end
from events c
left join lateral (
    select e.at, e.event, e.sequence, e.index from events e
    where e.contact = c.contact and (e.sequence, e.index) > (c.sequence, c.index)
        and e.event in ('contact-hung-up', 'contact-returned', 'contact-dropped', 'contact-closed')
    order by e.sequence, e.index limit 1
) over on true
left join lateral (
    select e.at, e.data from events e
    where e.contact = c.contact and (e.sequence, e.index) >= (over.sequence, over.index)
        and e.event = 'contact-closed' and over.event in ('contact-hung-up', 'contact-closed')
    order by e.sequence, e.index limit 1
) done on true
where c.event = 'contact-connected' and c.agent is not null
on conflict do nothing;
