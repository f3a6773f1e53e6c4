-- Runs of before have the options that came since, with the values that say what they did: each row shows every option, and resumes with them.

update "Run" set "options" = '{
  "preset": "mtmt", "objective": "mtmt", "heads": "one", "distil": "everyWord", "pairDraw": "balanced", "pairsPerWord": 1, "layerDecay": 1, "accumulation": 1
}'::jsonb || "options";
