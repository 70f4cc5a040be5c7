<?php throw new RuntimeException('asked for');
