-- Takes away the scores of customers who objected.
-- Inputs: told (account_id, objected). Changes: scores.
delete from main.scores
where account_id in (select account_id from temp.main.told where objected)
