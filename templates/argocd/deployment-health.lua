-- Health of a Deployment, as Argo CD has it built in, and with the reason where no pod can be made: a quota that has no
-- room for the surge of a rollout, or an admission policy. Argo CD would say that a deadline was exceeded, and no more.
local status = obj.status or {}
if obj.spec.paused then
  return {status = "Suspended", message = "Deployment is paused"}
end
if (obj.metadata.generation or 0) > (status.observedGeneration or 0) then
  return {
    status = "Progressing",
    message = "Waiting for rollout to finish: observed deployment generation less than desired generation",
  }
end
local why = ""
local exceeded = false
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "ReplicaFailure" and condition.status == "True" and condition.message ~= nil then
    -- First, because GitHub keeps 140 characters of a report.
    why = condition.message .. "; "
  end
  if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded" then
    exceeded = true
  end
end
if exceeded then
  return {status = "Degraded", message = why .. "Deployment \"" .. obj.metadata.name .. "\" exceeded its progress deadline"}
end
local wanted = obj.spec.replicas
local replicas = status.replicas or 0
local updated = status.updatedReplicas or 0
local available = status.availableReplicas or 0
local waiting = nil
if wanted ~= nil and updated < wanted then
  waiting = updated .. " out of " .. wanted .. " new replicas have been updated..."
elseif replicas > updated then
  waiting = (replicas - updated) .. " old replicas are pending termination..."
elseif available < updated then
  waiting = available .. " of " .. updated .. " updated replicas are available..."
end
if waiting ~= nil then
  return {status = "Progressing", message = why .. "Waiting for rollout to finish: " .. waiting}
end
return {status = "Healthy"}
