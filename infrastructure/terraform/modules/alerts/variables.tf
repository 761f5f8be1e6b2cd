variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "key_arn" {
  description = "KMS key of messages."
  type        = string
}

variable "receivers" {
  description = "Who receives alerts, by severity: critical, high, medium, low."
  type = map(list(object({
    protocol = string
    endpoint = string
  })))

  validation {
    condition     = length(setsubtract(keys(var.receivers), ["critical", "high", "medium", "low"])) == 0
    error_message = "The severities are critical, high, medium and low."
  }
}
