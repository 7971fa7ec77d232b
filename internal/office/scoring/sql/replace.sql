-- Replaces the scores of the run before.
-- Inputs: placed. Changes: scores.
delete from main.scores;
insert into main.scores select * from temp.main.placed;
drop table temp.main.placed
