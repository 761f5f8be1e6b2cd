variable "environment" {
  description = "development, staging or production."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "log_retention_days" {
  description = "Days that log lines are kept."
  type        = number
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "alarms_topic_arn" {
  description = "Topic that alarms are sent to."
  type        = string
}
