-- Keeps what a list of articles or stores says.
-- Inputs: staged; the table of the list and its key. Changes: that table.
delete from main./*table*/ where /*key*/ in (select key from temp.main.staged where changed);
insert into main./*table*/ select * exclude (fresh, changed) from temp.main.staged where fresh or changed
