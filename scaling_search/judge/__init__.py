"""What finished trainings say."""
