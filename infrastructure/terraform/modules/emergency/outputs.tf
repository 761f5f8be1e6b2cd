output "queue_url" {
  description = "EMERGENCY_QUEUE_URL of the program."
  value       = aws_sqs_queue.emergency.url
}

output "queue_arn" {
  description = "The queue of requests."
  value       = aws_sqs_queue.emergency.arn
}
