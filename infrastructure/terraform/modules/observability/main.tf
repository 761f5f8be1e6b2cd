# Log groups, the dashboard and the alarms. Dashboard and alarms are made from the program's list of metrics:
#   ENVIRONMENT=production sync-platform metrics dashboards --out DIR
# writes the files below generated/ (a test compares them); here only the name of the environment and the receivers change.

locals {
  generated = "${path.module}/generated"
  alarms = {
    for file in fileset(local.generated, "alarms/*.json") :
    trimsuffix(trimprefix(basename(file), "DataSync-production-"), ".json") =>
    jsondecode(replace(file("${local.generated}/${file}"), "production", var.environment))
  }
  dashboard = jsondecode(
    replace(replace(file("${local.generated}/DataSync-production.json"), "production", var.environment), "ap-southeast-1", var.region)
  )
}

# The group that docs/logs.md names: log lines of every process, brought there by the collector of the cluster.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:the retention table says how long logs are kept
  name              = "/aws/data-sync/${var.environment}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.dashboard.DashboardName
  dashboard_body = local.dashboard.DashboardBody
}

# WatchSilent is the alarm of a program that is dead: it goes off when no heartbeat arrives.
resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = each.value.AlarmName
  alarm_description   = each.value.AlarmDescription
  namespace           = each.value.Namespace
  metric_name         = each.value.MetricName
  dimensions          = { for dimension in each.value.Dimensions : dimension.Name => dimension.Value }
  statistic           = each.value.Statistic
  period              = each.value.Period
  evaluation_periods  = each.value.EvaluationPeriods
  datapoints_to_alarm = each.value.DatapointsToAlarm
  treat_missing_data  = each.value.TreatMissingData
  threshold           = each.value.Threshold
  comparison_operator = each.value.ComparisonOperator
  alarm_actions       = [var.alarms_topic_arn]
  ok_actions          = [var.alarms_topic_arn]
}
