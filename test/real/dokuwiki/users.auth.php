# <?php exit()?>
ada:$2y$10$Kp0dDoYBuCDuhZGmSf.NyeYXC6EBRYH2yuOrjMZrtglgEqlTHUvf2:Ada:ada@granary.test:admin,user
