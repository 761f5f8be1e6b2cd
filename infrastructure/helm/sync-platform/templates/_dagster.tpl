{{/* Dagster's instance: as sync_platform/cli/runner/home.py, with PostgreSQL, and a pod for each run. */}}
{{- define "sync-platform.dagster" -}}
storage:
  postgres:
    postgres_url:
      env: DAGSTER_POSTGRES_URL
telemetry:
  enabled: false
nux:
  enabled: false
compute_logs: # what a run prints is the log of its pod
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
python_logs:
  managed_python_loggers: [sync_platform]
concurrency:
  pools:
    default_limit: 1
    granularity: run
  runs:
    max_concurrent_runs: {{ .Values.runs.atOnce }}
run_queue: # while the API server of Kubernetes does not answer, a run goes back into the queue
  max_user_code_failure_retries: 10000
  user_code_failure_retry_delay: 15
run_monitoring:
  enabled: true
  start_timeout_seconds: 600
  max_resume_run_attempts: 0
  poll_interval_seconds: 30
  free_slots_after_run_end_seconds: 60
run_retries:
  enabled: true
  max_retries: 2
  retry_on_asset_or_op_failure: false
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days: 30
run_launcher:
  module: sync_platform.defs.run_pods
  class: PlatformRunLauncher
  config:
    job_namespace: {{ .Release.Namespace }}
    service_account_name: sync-platform-runs
    instance_config_map: sync-platform-dagster
    dagster_home: /var/lib/dagster
    job_image: {{ include "sync-platform.image" . }}
    image_pull_policy: {{ .Values.image.pullPolicy }}
    image_pull_secrets:
      {{- range .Values.image.pullSecrets }}
      - name: {{ . }}
      {{- else }} []
      {{- end }}
    env_config_maps: [sync-platform-settings]
    env_secrets: [{{ .Values.secrets.runs }}]
    volumes:
      {{- include "sync-platform.volumes" (dict "size" .Values.temporary.runs "suffix" "" "keys" .Values.secrets.keys) | nindent 6 }}
    volume_mounts:
      {{- include "sync-platform.mounts" (dict "keys" .Values.secrets.keys) | nindent 6 }}
    labels:
      {{- include "sync-platform.labels" (dict "root" . "component" "run") | nindent 6 }}
    resources:
      {{- toYaml .Values.runs.resources | nindent 6 }}
    platform_resources:
      {{- toYaml .Values.runs.platforms | nindent 6 }}
    security_context:
      {{- include "sync-platform.containerSecurity" . | nindent 6 }}
    run_k8s_config:
      pod_template_spec_metadata:
        annotations: # nothing that only saves machines may end a run
          cluster-autoscaler.kubernetes.io/safe-to-evict: "false"
          karpenter.sh/do-not-disrupt: "true"
      pod_spec_config:
        automount_service_account_token: false
        enable_service_links: false
        security_context:
          {{- include "sync-platform.podSecurity" . | nindent 10 }}
        node_selector:
          {{- toYaml .Values.runs.nodeSelector | nindent 10 }}
        tolerations:
          {{- include "sync-platform.tolerations" . | trim | nindent 10 }}
          {{- with .Values.runs.tolerations }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
      job_spec_config:
        ttl_seconds_after_finished: {{ .Values.runs.keepFinishedS }}
{{- end }}
