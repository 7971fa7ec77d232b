-- Reads how well the first part of the receipts foretold the rest.
-- Inputs: run_calibration, $run. Grain: one row per class. Output: its columns.
select repeats, or_more, customers, actual, predicted_thousandths, horizon_days
from main.run_calibration
where run_id = $run
order by repeats
