output "log_groups" {
  description = "Name of each log group."
  value       = { for name, group in aws_cloudwatch_log_group.this : name => group.name }
}

output "alarm_names" {
  description = "Names of the alarms."
  value       = sort([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_name])
}
