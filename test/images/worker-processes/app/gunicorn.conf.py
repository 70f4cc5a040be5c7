bind = "0.0.0.0:8000"
workers = 3
max_requests = 40
preload_app = False


def post_fork(server, worker):
    server.log.info("worker %s is up", worker.age)


def worker_exit(server, worker):
    from web.ledger import close_book

    close_book(worker.age)
