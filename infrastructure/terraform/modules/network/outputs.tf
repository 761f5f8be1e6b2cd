output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Addresses of the network."
  value       = aws_vpc.this.cidr_block
}

output "private_subnet_ids" {
  description = "Subnets for hosts, databases and load balancers; none has a public address."
  value       = [for subnet in aws_subnet.private : subnet.id]
}
