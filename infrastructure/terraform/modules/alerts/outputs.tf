output "alerts_topic_arn" {
  description = "SNS_TOPIC_ARN of the program."
  value       = aws_sns_topic.alerts.arn
}

output "alarms_topic_arn" {
  description = "Topic of CloudWatch's alarms."
  value       = aws_sns_topic.alarms.arn
}
