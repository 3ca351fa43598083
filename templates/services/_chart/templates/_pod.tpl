{{/* The pods of a service: of its Deployment, or of the Jobs that its schedule starts. */}}
{{- define "service.pod" -}}
metadata:
  labels:
    {{- include "service.labels" . | nindent 4 }}
  annotations:
    {{- /* Environment variables are read at start. */}}
    checksum/config: {{ .Values.config | toJson | sha256sum }}
    {{- if include "service.hasSecrets" . }}
    checksum/secrets: {{ .Values.secrets | toJson | sha256sum }}
    {{- end }}
    {{- if and (not .Values.schedule) .Values.metrics.enabled (not (include "service.monitored" .)) }}
    prometheus.io/scrape: "true"
    prometheus.io/port: {{ .Values.port | quote }}
    prometheus.io/path: {{ .Values.metrics.path | quote }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "service.name" . }}
  automountServiceAccountToken: false
  {{- if .Values.schedule }}
  restartPolicy: Never
  {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "service.selector" . | nindent 10 }}
  containers:
    - name: {{ .Chart.Name }}
      image: {{ include "service.image" . | quote }}
      imagePullPolicy: IfNotPresent
      {{- if not .Values.schedule }}
      ports:
        - name: http
          containerPort: {{ .Values.port }}
      {{- end }}
      {{- $telemetry := include "service.telemetry" . }}
      {{- if or (not .Values.schedule) $telemetry }}
      env:
        {{- if not .Values.schedule }}
        - name: PORT
          value: {{ .Values.port | quote }}
        {{- end }}
        {{- with $telemetry }}
        {{- . | nindent 8 }}
        {{- end }}
      {{- end }}
      envFrom:
        - configMapRef:
            name: {{ include "service.name" . }}
        {{- if include "service.hasSecrets" . }}
        - secretRef:
            name: {{ include "service.secretName" . }}
        {{- end }}
      {{- if not .Values.schedule }}
      {{- if and .Values.drainSeconds (semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version) }}
      lifecycle:
        preStop:
          # Until every node knows that it gets no requests any more.
          sleep:
            seconds: {{ .Values.drainSeconds }}
      {{- end }}
      {{- with .Values.startupProbe }}
      startupProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.readinessProbe }}
      readinessProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.livenessProbe }}
      livenessProbe:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
{{- end }}
