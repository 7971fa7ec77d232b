-- Notes how well the first part of the receipts foretold the rest, for one class of customers.
-- Inputs: the class. Grain: one row. Changes: run_calibration.
insert into main.run_calibration
values ($run, $repeats, $or_more, $customers, $actual, $predicted_thousandths, $horizon_days)
