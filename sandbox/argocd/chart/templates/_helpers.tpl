{{/* Labels of every object, beside those that Argo CD's manifests give it. */}}
{{- define "argocd.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
{{- end }}

{{/* Labels of an object that the chart writes itself. Takes (dict "root" $ "name" … "component" …). */}}
{{- define "argocd.ownLabels" -}}
{{ include "argocd.labels" .root }}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: argocd
{{- end }}

{{/* One of Argo CD's objects, put into this release. Takes (dict "root" $ "object" …); JSON is YAML, and keeps numbers. */}}
{{- define "argocd.object" -}}
{{- $labels := include "argocd.labels" .root | fromYaml }}
{{- $_ := set .object.metadata "labels" (merge $labels (.object.metadata.labels | default dict)) }}
{{- range .object.subjects }}{{ $_ := set . "namespace" $.root.Release.Namespace }}{{ end }}
{{- toJson .object }}
{{- end }}

{{- define "argocd.image" -}}
{{ .Values.global.image.repository }}:{{ .Values.global.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Data of argocd-cm: Argo CD's own, the chart's presets, the values. */}}
{{- define "argocd.config.cm" -}}
{{- $own := (.Files.Get "objects/configuration/configmap-argocd-cm.json" | fromJson).data | default dict }}
{{- $presets := dict "url" (printf "https://%s" .Values.global.domain) }}
{{- include "argocd.data" (mergeOverwrite $own $presets (omit .Values.configs.cm "create" "annotations")) }}
{{- end }}

{{- define "argocd.config.params" -}}
{{- $presets := dict
      "redis.server" "argocd-redis:6379"
      "repo.server" "argocd-repo-server:8081"
      "applicationsetcontroller.enable.leader.election" (gt (int .Values.applicationSet.replicas) 1) }}
{{- include "argocd.data" (mergeOverwrite $presets (omit .Values.configs.params "create" "annotations")) }}
{{- end }}

{{/* A mapping as data of a ConfigMap: every value a string, empty ones left out. */}}
{{- define "argocd.data" -}}
{{- range $key, $value := . }}
{{- $text := toString $value }}
{{- if $text }}
{{ $key }}: {{ toJson $text }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Changes a Deployment or StatefulSet of Argo CD as the values want it. Takes (dict "root" $ "object" … "values" …), where
values are its component's. Pods roll when a ConfigMap that is only read at start has changed.
*/}}
{{- define "argocd.workload" -}}
{{- $root := .root }}
{{- $pod := .object.spec.template }}
{{- $_ := set $pod.metadata "labels" (merge (include "argocd.labels" $root | fromYaml) $pod.metadata.labels) }}
{{- $_ := unset $pod.metadata.labels "helm.sh/chart" }}
{{- if ne .object.metadata.name "argocd-redis" }}
{{- $_ := set $pod.metadata "annotations" (dict
      "checksum/cm" (include "argocd.config.cm" $root | sha256sum)
      "checksum/cmd-params" (include "argocd.config.params" $root | sha256sum)) }}
{{- end }}
{{- if hasKey .values "replicas" }}{{ $_ := set .object.spec "replicas" (int .values.replicas) }}{{ end }}
{{- range $container := concat $pod.spec.containers ($pod.spec.initContainers | default list) }}
  {{- $_ := set $container "imagePullPolicy" $root.Values.global.image.imagePullPolicy }}
  {{- if eq $container.name "redis" }}
    {{- $parts := splitList ":" $container.image }}
    {{- $repository := $root.Values.redis.image.repository | default (initial $parts | join ":") }}
    {{- $tag := $root.Values.redis.image.tag | default (last $parts) | toString }}
    {{- $_ := set $container "image" (printf "%s:%s" $repository $tag) }}
  {{- else }}
    {{- $_ := set $container "image" (include "argocd.image" $root) }}
  {{- end }}
  {{- if eq $container.name "copyutil" }}
    {{- $copy := printf "/bin/cp %s /usr" $root.Values.repoServer.copyutil.extraArgs }}
    {{- $_ := set $container "args" (list (replace "/bin/cp /usr" $copy (first $container.args))) }}
  {{- end }}
{{- end }}
{{- /* Somebody waits for a rehearsal to start: ask each second. */}}
{{- with (first $pod.spec.containers).readinessProbe }}{{ $_ := merge (dict "initialDelaySeconds" 0 "periodSeconds" 1) . | set (first $pod.spec.containers) "readinessProbe" }}{{ end }}
{{- with .values.resources }}{{ $_ := set (first $pod.spec.containers) "resources" . }}{{ end }}
{{- if eq .object.kind "StatefulSet" }}
  {{- range (first $pod.spec.containers).env }}
    {{- if eq .name "ARGOCD_CONTROLLER_REPLICAS" }}{{ $_ := set . "value" (toString $root.Values.controller.replicas) }}{{ end }}
  {{- end }}
{{- end }}
{{- /* The secret is made by the Job before the installation, not by a container that every start of Redis waits for. */}}
{{- if eq .object.metadata.name "argocd-redis" }}{{ $_ := unset $pod.spec "initContainers" }}{{ end }}
{{- end }}
