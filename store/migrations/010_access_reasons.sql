-- Why somebody looked, where that is asked for: who hears a recording says so first.
alter table access_log add reason text not null default '';
