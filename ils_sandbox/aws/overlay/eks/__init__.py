"""EKS, as far as clusters and managed node groups go. moto's own keeps too little, so all of it is answered here."""
