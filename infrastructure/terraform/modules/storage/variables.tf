variable "name" {
  description = "Prefix of the buckets' names; it must be unique in the world."
  type        = string
}

variable "key_arns" {
  description = "KMS keys by purpose: data, backups."
  type        = map(string)
}

variable "retention_days" {
  description = "Days that each kind of data is kept."
  type        = map(number)
}

variable "grace_days" {
  description = "Days after which a rule of the bucket deletes what the program should have deleted."
  type        = number
  default     = 7
}

variable "backup_lock_days" {
  description = "Days that nobody may delete or change an object of a backup, without the right to bypass the lock."
  type        = number
}

variable "replica_bucket_arn" {
  description = "Bucket of the replica in the standby region."
  type        = string
}

variable "replica_key_arn" {
  description = "KMS key of the replica."
  type        = string
}
