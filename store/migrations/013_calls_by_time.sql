-- Calls that the desk made, supervisors' parts in talks, and marks are read by when they were.
create index outside_calls_by_time on outside_calls (called);
create index contacts_outgoing on contacts (arrived) where outgoing;
create index supervisions_by_time on supervisions (begun);
drop index contact_marks_by_time;
create index contact_marks_by_time on contact_marks (at);
