-- Replaces what the models foretell.
-- Inputs: predicted. Changes: predictions.
delete from main.predictions;
insert into main.predictions select * from temp.main.predicted order by account_id;
drop table temp.main.predicted
