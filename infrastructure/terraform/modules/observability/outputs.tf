output "log_group_arn" {
  description = "The group of log lines."
  value       = aws_cloudwatch_log_group.this.arn
}

output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}
