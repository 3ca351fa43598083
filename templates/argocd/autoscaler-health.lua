-- Health of a HorizontalPodAutoscaler: whether it counts pods. Pods that have just started have no metrics yet, and Argo CD
-- would call that Degraded, so that a good release would be rolled back. It gets the time that a rollout has.
local status = obj.status or {}
local conditions = status.conditions or {}
if #conditions == 0 and status.currentReplicas == nil then
  return {status = "Progressing", message = "Waiting to Autoscale"}
end
local never = {InvalidSelector = true, InvalidMetricSourceType = true}
for _, condition in ipairs(conditions) do
  local counts = condition.type == "AbleToScale" or condition.type == "ScalingActive"
  if counts and condition.status == "False" and condition.reason ~= "ScalingDisabled" then
    local health = never[condition.reason] and "Degraded" or "Progressing"
    return {status = health, message = condition.message or condition.reason}
  end
end
return {status = "Healthy"}
