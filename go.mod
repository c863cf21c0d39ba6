module github.com/doublemount/doublemount

go 1.26.0
