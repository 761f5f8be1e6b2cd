variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "key_arn" {
  description = "KMS key of messages."
  type        = string
}

variable "alarms_topic_arn" {
  description = "Topic that alarms are sent to."
  type        = string
}
