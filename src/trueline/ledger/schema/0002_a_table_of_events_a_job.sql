-- Events have a table for each job: see events_of_a_job.sql. What the one table of all had was moved before this.
DROP TABLE IF EXISTS incoming_events;
DROP TABLE IF EXISTS events;
