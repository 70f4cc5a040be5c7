def words():
    return "the worker goes home"
