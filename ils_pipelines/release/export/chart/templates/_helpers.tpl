{{/* Labels of every object. */}}
{{- define "ils.labels" -}}
app.kubernetes.io/name: ils
app.kubernetes.io/instance: ils-{{ .Values.environment }}
app.kubernetes.io/part-of: integrated-lens-system
app.kubernetes.io/managed-by: ils-pipelines
ils-pipelines/environment: {{ .Values.environment }}
{{- end }}

{{/* Labels by which the deployment finds its pods; they can never change. */}}
{{- define "ils.selector" -}}
app.kubernetes.io/name: ils
app.kubernetes.io/instance: ils-{{ .Values.environment }}
{{- end }}

{{/* Labels of every pod of the application. */}}
{{- define "ils.pods" -}}
app.kubernetes.io/name: ils
ils-pipelines/environment: {{ .Values.environment }}
{{- end }}

{{/* A digest of names and values: another one starts other pods. */}}
{{- define "ils.digest" -}}
{{- $lines := "" -}}
{{- range $name, $value := . -}}
{{- $lines = printf "%s%s=%s\n" $lines $name (sha256sum (toString $value)) -}}
{{- end -}}
{{- $lines | sha256sum | trunc 32 -}}
{{- end }}

{{/* The fewest pods there may be. */}}
{{- define "ils.fewest" -}}
{{- if .Values.autoscaling.enabled }}{{ .Values.autoscaling.minReplicas }}{{ else }}{{ .Values.replicas }}{{ end -}}
{{- end }}
