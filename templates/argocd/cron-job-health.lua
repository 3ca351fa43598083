-- Health of a CronJob: whether it is there. How its last run ended says nothing of the release that is judged, which may be
-- newer than that run; Argo CD would call it Degraded, and a good release would be rolled back. Alerts tell of failed runs.
local status = obj.status or {}
if obj.spec.suspend then
  return {status = "Healthy", message = "CronJob is suspended"}
end
local last = status.lastScheduleTime
if last ~= nil and (status.lastSuccessfulTime == nil or status.lastSuccessfulTime < last) then
  return {status = "Healthy", message = "The last run of this CronJob has not succeeded, or not yet"}
end
return {status = "Healthy"}
